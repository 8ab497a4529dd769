// Has the API of OpenTelemetry, as many libraries do, and no SDK.
package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
)

func main() {
	for {
		_, span := otel.Tracer("orders").Start(context.Background(), "order")
		time.Sleep(time.Hour)
		span.End()
	}
}
