"""Configures OpenTelemetry's SDK, as its page "Getting started" shows it. Where traces go,
and whether any are made, is in the environment."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def instrumented(application):
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Else a request has three spans more: two to send, one to receive.
    return OpenTelemetryMiddleware(application, exclude_spans=["send", "receive"])
