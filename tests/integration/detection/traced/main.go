// Configures the SDK in its code. With an argument it connects to that address.
package main

import (
	"net"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	otel.SetTracerProvider(trace.NewTracerProvider())
	if len(os.Args) > 1 {
		if _, err := net.Dial("tcp", os.Args[1]); err != nil {
			panic(err)
		}
	}
	for {
		time.Sleep(time.Hour)
	}
}
