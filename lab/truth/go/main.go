// A service that prices orders, as lab/truth/node/service.js does. Built with the
// tag "sdk" it has OpenTelemetry's SDK; without, only the API, which does nothing.
//
// Prints the port that it listens on and ends with its standard input.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

var (
	tracer     = otel.Tracer("orders")
	spaces     = regexp.MustCompile(`\s+`)
	currencies = map[string]float64{"EUR": 1, "USD": 1.08, "JPY": 163.2}
)

type item struct {
	SKU      string   `json:"sku"`
	Name     string   `json:"name"`
	Quantity int      `json:"quantity"`
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

type bill struct {
	ID    string  `json:"id"`
	Items []item  `json:"items"`
	Total float64 `json:"total"`
}

func step[T any](ctx context.Context, name string,
	work func(trace.Span) (T, error)) (T, error) {
	_, span := tracer.Start(ctx, name)
	defer span.End()
	return work(span)
}

func priced(one item, currency string) item {
	net := float64(one.Quantity) * one.Price * currencies[currency]
	one.Name = spaces.ReplaceAllString(strings.ToLower(strings.TrimSpace(one.Name)), "-")
	one.Net = math.Round(net*100) / 100
	one.Gross = math.Round(net*119) / 100
	return one
}

func parse(ctx context.Context, body []byte) (order, error) {
	return step(ctx, "parse order", func(trace.Span) (order, error) {
		var parsed order
		err := json.Unmarshal(body, &parsed)
		return parsed, err
	})
}

func price(ctx context.Context, parsed order) ([]item, error) {
	return step(ctx, "price order", func(span trace.Span) ([]item, error) {
		// Stands for a look-up in something that is not in the process.
		runtime.Gosched()
		span.SetAttributes(attribute.Int("order.items", len(parsed.Items)),
			attribute.String("order.currency", parsed.Currency))
		for i, one := range parsed.Items {
			parsed.Items[i] = priced(one, parsed.Currency)
		}
		slices.SortStableFunc(parsed.Items, func(one, other item) int {
			return cmp.Compare(other.Gross, one.Gross)
		})
		return parsed.Items, nil
	})
}

func render(ctx context.Context, id string, items []item) ([]byte, error) {
	return step(ctx, "render order", func(trace.Span) ([]byte, error) {
		total := 0.0
		for _, one := range items {
			total += one.Gross
		}
		return json.Marshal(bill{ID: id, Items: items, Total: total})
	})
}

func answer(ctx context.Context, body []byte) ([]byte, error) {
	parsed, err := parse(ctx, body)
	if err != nil {
		return nil, err
	}
	items, err := price(ctx, parsed)
	if err != nil {
		return nil, err
	}
	return render(ctx, parsed.ID, items)
}

func serve(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err == nil {
		body, err = answer(request.Context(), body)
	}
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(body)))
	response.Write(body)
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, instrumented(http.HandlerFunc(serve)))
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
