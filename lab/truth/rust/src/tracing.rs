//! Configures OpenTelemetry's SDK, as the documentation of opentelemetry-otlp shows it.
//! Where traces go, and which are sampled, is in the environment.

use opentelemetry::global;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

pub fn start() {
    let exporter = SpanExporter::builder()
        .with_http()
        .build()
        .expect("an exporter");
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_tracer_provider(
        SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .build(),
    );
}
