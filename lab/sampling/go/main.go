// A service that prices orders: one POST of JSON in, JSON out. Besides, it does some work
// ten times a second, whatever its load. With the argument "traced" a request is a span of
// net/http, three of its steps and one for each item, and the endpoint of Jaeger's remote
// sampling says which requests are traced. The environment names the endpoint and where
// spans go. With any other argument there is no tracing.
//
// Prints the port that it listens on and ends with its standard input.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/samplers/jaegerremote"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type item struct {
	SKU      string   `json:"sku"`
	Name     string   `json:"name"`
	Quantity float64  `json:"quantity"`
	Price    float64  `json:"price"`
	Tags     []string `json:"tags"`
	Net      float64  `json:"net"`
	Gross    float64  `json:"gross"`
}

type order struct {
	ID       string `json:"id"`
	Currency string `json:"currency"`
	Items    []item `json:"items"`
}

type priced struct {
	ID    string  `json:"id"`
	Items []item  `json:"items"`
	Total float64 `json:"total"`
}

// Until main sets a provider, its spans do nothing.
var tracer = otel.Tracer("orders")

func parse(ctx context.Context, body []byte) (parsed order, err error) {
	_, span := tracer.Start(ctx, "parse order")
	defer span.End()
	err = json.Unmarshal(body, &parsed)
	return parsed, err
}

func cents(amount float64) float64 {
	return math.Round(amount) / 100
}

func priceItem(ctx context.Context, one *item, rate float64) {
	_, span := tracer.Start(ctx, "price item")
	defer span.End()
	net := one.Quantity * one.Price * rate
	one.Name = strings.ToLower(strings.Join(strings.Fields(one.Name), "-"))
	one.Net, one.Gross = cents(net*100), cents(net*119)
	span.SetAttributes(attribute.String("item.sku", one.SKU),
		attribute.Float64("item.gross", one.Gross))
}

func price(ctx context.Context, items []item, currency string) {
	rates := map[string]float64{"EUR": 1, "USD": 1.08, "JPY": 163.2}
	ctx, span := tracer.Start(ctx, "price order", trace.WithAttributes(
		attribute.Int("order.items", len(items)),
		attribute.String("order.currency", currency)))
	defer span.End()
	for i := range items {
		priceItem(ctx, &items[i], rates[currency])
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].Gross > items[j].Gross })
}

func render(ctx context.Context, id string, items []item) ([]byte, error) {
	_, span := tracer.Start(ctx, "render order")
	defer span.End()
	answer := priced{ID: id, Items: items}
	for _, one := range items {
		answer.Total += one.Gross
	}
	return json.Marshal(answer)
}

func answer(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	parsed, err := parse(request.Context(), body)
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	price(request.Context(), parsed.Items, parsed.Currency)
	text, err := render(request.Context(), parsed.ID, parsed.Items)
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(text)))
	response.Write(text)
}

func traced(handler http.Handler) http.Handler {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	// OTEL_TRACES_SAMPLER_ARG has the endpoint and how often it is asked.
	sampler := jaegerremote.New(os.Getenv("OTEL_SERVICE_NAME"))
	otel.SetTracerProvider(sdk.NewTracerProvider(
		sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sampler))))
	return otelhttp.NewHandler(handler, "POST /orders")
}

// Stands for what a service does besides its requests.
func work() {
	stock := make([]byte, 4<<20)
	for range time.Tick(100 * time.Millisecond) {
		sum := sha256.Sum256(stock)
		copy(stock, sum[:])
	}
}

func main() {
	var handler http.Handler = http.HandlerFunc(answer)
	if len(os.Args) > 1 && os.Args[1] == "traced" {
		handler = traced(handler)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go work()
	go func() {
		log.Fatal(http.Serve(listener, handler))
	}()
	io.Copy(io.Discard, os.Stdin)
}
