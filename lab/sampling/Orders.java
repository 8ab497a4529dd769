import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A service that prices orders: one POST of JSON in, JSON out. Besides, it does some work ten
 * times a second, whatever its load. It has no code for tracing; OpenTelemetry's agent adds it. A
 * request is a span of the HTTP server, and one for each call of the methods that
 * OTEL_INSTRUMENTATION_METHODS_INCLUDE names.
 *
 * <p>Prints the port that it listens on and ends with its standard input.
 */
public final class Orders {
  private static final Map<String, Double> RATES = Map.of("EUR", 1.0, "USD", 1.08, "JPY", 163.2);
  private static final Pattern ID = Pattern.compile("\"id\": \"([^\"]*)\"");
  private static final Pattern CURRENCY = Pattern.compile("\"currency\": \"([^\"]*)\"");
  private static final Pattern ITEM =
      Pattern.compile(
          "\"sku\": \"([^\"]*)\", \"name\": \"([^\"]*)\", \"quantity\": ([0-9.]+), "
              + "\"price\": ([0-9.]+), \"tags\": (\\[[^\\]]*\\])");
  private static final Pattern SPACES = Pattern.compile("\\s+");

  private record Item(
      String sku, String name, double quantity, double price, String tags, double net,
      double gross) {}

  private record Order(String id, String currency, List<Item> items) {}

  private static String field(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw new IllegalArgumentException("no " + pattern);
    }
    return matcher.group(1);
  }

  static Order parse(String body) {
    List<Item> items = new ArrayList<>();
    Matcher item = ITEM.matcher(body);
    while (item.find()) {
      items.add(
          new Item(
              item.group(1), item.group(2), Double.parseDouble(item.group(3)),
              Double.parseDouble(item.group(4)), item.group(5), 0, 0));
    }
    return new Order(field(ID, body), field(CURRENCY, body), items);
  }

  private static double cents(double amount) {
    return Math.round(amount) / 100.0;
  }

  static Item priceItem(Item item, double rate) {
    double net = item.quantity() * item.price() * rate;
    String name = SPACES.matcher(item.name().strip().toLowerCase(Locale.ROOT)).replaceAll("-");
    return new Item(
        item.sku(), name, item.quantity(), item.price(), item.tags(), cents(net * 100),
        cents(net * 119));
  }

  static Order price(Order order) {
    List<Item> priced = new ArrayList<>();
    for (Item item : order.items()) {
      priced.add(priceItem(item, RATES.get(order.currency())));
    }
    priced.sort(Comparator.comparingDouble(Item::gross).reversed());
    return new Order(order.id(), order.currency(), priced);
  }

  static byte[] render(Order order) {
    StringBuilder text = new StringBuilder("{\"id\":\"").append(order.id()).append("\",\"items\":[");
    double total = 0;
    for (Item item : order.items()) {
      text.append(total == 0 ? "" : ",")
          .append("{\"sku\":\"").append(item.sku())
          .append("\",\"name\":\"").append(item.name())
          .append("\",\"quantity\":").append(item.quantity())
          .append(",\"price\":").append(item.price())
          .append(",\"tags\":").append(item.tags())
          .append(",\"net\":").append(item.net())
          .append(",\"gross\":").append(item.gross()).append('}');
      total += item.gross();
    }
    return text.append("],\"total\":").append(total).append('}').toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    byte[] text = render(price(parse(body)));
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, text.length);
    exchange.getResponseBody().write(text);
    exchange.close();
  }

  /** Stands for what a service does besides its requests. */
  private static void work() {
    byte[] stock = new byte[4 << 20];
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      while (true) {
        byte[] sum = digest.digest(stock);
        System.arraycopy(sum, 0, stock, 0, sum.length);
        Thread.sleep(100);
      }
    } catch (NoSuchAlgorithmException | InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/orders", Orders::answer);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.start();
    Thread worker = new Thread(Orders::work, "work");
    worker.setDaemon(true);
    worker.start();
    System.out.println(server.getAddress().getPort());
    InputStream input = System.in;
    while (input.read() >= 0) {
    }
    System.exit(0);
  }
}
