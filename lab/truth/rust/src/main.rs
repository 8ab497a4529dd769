//! A service that prices orders, as lab/truth/node/service.js does. With the feature
//! "sdk" it has OpenTelemetry's SDK; without, only the API, which does nothing.
//!
//! Prints the port that it listens on and ends with its standard input.

use std::convert::Infallible;
use std::io::Read;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[cfg(feature = "sdk")]
mod tracing;

#[derive(Deserialize, Serialize)]
struct Item {
    sku: String,
    name: String,
    quantity: u32,
    price: f64,
    tags: Vec<String>,
    #[serde(default)]
    net: f64,
    #[serde(default)]
    gross: f64,
}

#[derive(Deserialize)]
struct Order {
    id: String,
    currency: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Bill {
    id: String,
    items: Vec<Item>,
    total: f64,
}

fn tracer() -> BoxedTracer {
    global::tracer("orders")
}

fn rate(currency: &str) -> f64 {
    match currency {
        "USD" => 1.08,
        "JPY" => 163.2,
        _ => 1.0,
    }
}

fn price(item: &mut Item, currency: &str) {
    let net = f64::from(item.quantity) * item.price * rate(currency);
    let lower = item.name.trim().to_lowercase();
    item.name = lower.split_whitespace().collect::<Vec<_>>().join("-");
    item.net = (net * 100.0).round() / 100.0;
    item.gross = (net * 119.0).round() / 100.0;
}

async fn price_order(mut order: Order) -> Order {
    // Stands for a look-up in something that is not in the process.
    tokio::task::yield_now().await;
    Context::map_current(|context| {
        let span = context.span();
        span.set_attribute(KeyValue::new("order.items", order.items.len() as i64));
        span.set_attribute(KeyValue::new("order.currency", order.currency.clone()));
    });
    for item in &mut order.items {
        price(item, &order.currency);
    }
    order
        .items
        .sort_by(|one, other| other.gross.total_cmp(&one.gross));
    order
}

async fn answer(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    let order: Order = tracer().in_span("parse order", |_| serde_json::from_slice(body))?;
    let pricing = Context::current_with_span(tracer().start("price order"));
    let order = price_order(order).with_context(pricing).await;
    tracer().in_span("render order", |_| {
        let total = order.items.iter().map(|item| item.gross).sum();
        serde_json::to_vec(&Bill {
            id: order.id,
            items: order.items,
            total,
        })
    })
}

// What instrumentation does in other languages, as in opentelemetry-rust's example
// "tracing-http-propagator".
fn context_of(request: &Request<Incoming>) -> Context {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    let span = tracer()
        .span_builder(request.method().to_string())
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.request.method", request.method().to_string()),
            KeyValue::new("url.path", request.uri().path().to_string()),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("network.protocol.version", "1.1"),
        ])
        .start_with_context(&tracer(), &parent);
    parent.with_span(span)
}

async fn serve(request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let reply = answer(&body).await;
    let status = if reply.is_ok() { 200 } else { 400 };
    Context::map_current(|context| {
        let span = context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", status));
    });
    let mut response = Response::new(Full::new(reply.unwrap_or_default().into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status as u16).unwrap();
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

async fn accept(listener: TcpListener) -> Infallible {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let service = service_fn(|request| {
            let context = context_of(&request);
            serve(request).with_context(context)
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

fn main() {
    // Before there are threads of the runtime: the exporter brings a runtime of its own.
    #[cfg(feature = "sdk")]
    tracing::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    runtime.spawn(accept(listener));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}
