// A program with or without the types of opentelemetry-cpp's SDK. With an
// argument it connects to that port of loopback.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#ifdef WITH_SDK
namespace opentelemetry::v1::sdk::trace {

// The SDK has such a type, of which the compiler leaves the name in the
// program.
class TracerProvider {
 public:
  virtual ~TracerProvider() = default;
};

}  // namespace opentelemetry::v1::sdk::trace

opentelemetry::v1::sdk::trace::TracerProvider provider;
const char* volatile disabled = std::getenv("OTEL_SDK_DISABLED");
#endif

int main(int argc, char** argv) {
  if (argc > 1) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, reinterpret_cast<sockaddr*>(&address),
                sizeof(address)) != 0) {
      return 1;
    }
  }
  while (true) pause();
}
