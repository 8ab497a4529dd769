//go:build sdk

package main

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// As OpenTelemetry's page "Getting started" shows it. Where traces go, and which are
// sampled, is in the environment.
func instrumented(handler http.Handler) http.Handler {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		panic(err)
	}
	otel.SetTracerProvider(sdk.NewTracerProvider(sdk.WithBatcher(exporter)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return otelhttp.NewHandler(handler, "orders")
}
