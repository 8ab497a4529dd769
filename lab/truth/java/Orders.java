import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

/**
 * A service that prices orders, as lab/truth/node/service.js does. Without the agent, the
 * API of OpenTelemetry does nothing.
 *
 * <p>Prints the port that it listens on and ends with its standard input.
 */
public final class Orders {
  private static final Tracer TRACER = GlobalOpenTelemetry.getTracer("orders");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern SPACES = Pattern.compile("\\s+");
  private static final Map<String, Double> CURRENCIES =
      Map.of("EUR", 1.0, "USD", 1.08, "JPY", 163.2);

  public record Item(String sku, String name, int quantity, double price, List<String> tags) {}

  public record Order(String id, String currency, List<Item> items) {}

  public record Priced(
      String sku,
      String name,
      int quantity,
      double price,
      List<String> tags,
      double net,
      double gross) {}

  public record Bill(String id, List<Priced> items, double total) {}

  private interface Work<T> {
    T in(Span span) throws IOException;
  }

  private static <T> T step(String name, Work<T> work) throws IOException {
    Span span = TRACER.spanBuilder(name).startSpan();
    try (Scope scope = span.makeCurrent()) {
      return work.in(span);
    } finally {
      span.end();
    }
  }

  private static Priced priced(Item item, String currency) {
    double net = item.quantity() * item.price() * CURRENCIES.get(currency);
    return new Priced(
        item.sku(),
        SPACES.matcher(item.name().strip().toLowerCase()).replaceAll("-"),
        item.quantity(),
        item.price(),
        item.tags(),
        Math.round(net * 100) / 100.0,
        Math.round(net * 119) / 100.0);
  }

  private static List<Priced> price(Order order, Span span) {
    // Stands for a look-up in something that is not in the process.
    Thread.yield();
    span.setAttribute("order.items", order.items().size());
    span.setAttribute("order.currency", order.currency());
    return order.items().stream()
        .map(item -> priced(item, order.currency()))
        .sorted(Comparator.comparingDouble(Priced::gross).reversed())
        .toList();
  }

  private static byte[] answer(byte[] body) throws IOException {
    Order order = step("parse order", span -> JSON.readValue(body, Order.class));
    List<Priced> items = step("price order", span -> price(order, span));
    return step(
        "render order",
        span -> {
          double total = items.stream().mapToDouble(Priced::gross).sum();
          return JSON.writeValueAsBytes(new Bill(order.id(), items, total));
        });
  }

  private static void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = answer(exchange.getRequestBody().readAllBytes());
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/orders", Orders::serve);
    server.setExecutor(Executors.newFixedThreadPool(4, task -> new Thread(task, "orders")));
    server.start();
    System.out.println(server.getAddress().getPort());
    while (System.in.read() >= 0) {
      // The input says nothing.
    }
    System.exit(0);
  }
}
