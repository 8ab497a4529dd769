"""The services whose tracing is measured: one in each language, which do the same work."""

import dataclasses
import os
import re
import subprocess

from tests.support import project

HERE = project.SOURCE_DIR / "lab/truth"
BUILT = project.SOURCE_DIR / "build/truth"

# Turns tracing off in an SDK that stays loaded.
DISABLED = {"OTEL_SDK_DISABLED": "true"}
# The SDKs for Go and Rust heed the sampler only.
SAMPLER_OFF = {"OTEL_TRACES_SAMPLER": "always_off"}

# The copies of a service that run at once, in this order.
COPIES = ("traced", "off", "control", "none")
# One more, to see whether it is detected: its environment does not name tracing.
UNSET = "traced, without variables"


@dataclasses.dataclass(frozen=True)
class Service:
    title: str
    with_sdk: tuple  # the command
    without_sdk: tuple
    off: dict  # the environment that turns tracing off
    version: tuple  # the command that prints the version of the language
    sdk: str  # what the SDK is called
    lock: str  # the file that pins its version, and how to find it there
    pinned: str
    env: dict = dataclasses.field(default_factory=dict)
    # Spans of a request.
    spans: int = 4
    # The highest load with which it keeps up, in requests a second.
    most: int = 300
    # How many times as long as the others it must be warmed.
    slow_start: int = 1

    def command(self, copy):
        return self.without_sdk if copy == "none" else self.with_sdk

    def environment(self, copy, port):
        """The variables of a copy that exports to this port of loopback."""
        if copy in ("none", UNSET):
            return self.env
        return {**self.env,
                "OTEL_SERVICE_NAME": copy,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
                # Only traces; no metrics and no logs.
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                **(self.off if copy != "traced" else {})}

    def versions(self):
        """Those of the language and of the SDK."""
        said = subprocess.run(
            self.version, capture_output=True, text=True, check=True,
            env={**os.environ, **self.env}).stdout
        language = re.search(r"\d+\.\d+(\.\d+)?", said)[0]
        sdk = re.search(self.pinned, (HERE / self.lock).read_text(), re.DOTALL)[1]
        return f"{self.title} {language}, {self.sdk} {sdk}"


NODE = ("node", "--require", HERE / "node/tracing.js", HERE / "node/service.js")
PYTHON = (BUILT / "python/bin/python", "-B", HERE / "python/service.py")
# 256 MiB of heap: by default a JVM takes up to a quarter of the machine. Without
# "nodelay" the kernel keeps a body back until the head is acknowledged.
JAVA = ("java", "-Xmx256m", "-Dsun.net.httpserver.nodelay=true",
        "-cp", f"{BUILT}/java/classes:{BUILT}/java/jars/*", "Orders")

SERVICES = {
    "node": Service(
        "Node.js", NODE, (NODE[0], NODE[-1]), DISABLED, ("node", "--version"),
        "OpenTelemetry SDK", "node/package.json", r'sdk-node": "([\d.]+)"',
        env={"NODE_PATH": f"{BUILT}/node/node_modules"}),
    "python": Service(
        "Python", (*PYTHON, "sdk"), PYTHON, DISABLED, (PYTHON[0], "--version"),
        "OpenTelemetry SDK", "python/requirements.txt", r"opentelemetry-sdk==([\d.]+)"),
    "java": Service(
        "Java", (JAVA[0], f"-javaagent:{BUILT}/java/opentelemetry-javaagent.jar",
                 *JAVA[1:]), JAVA, DISABLED, ("java", "--version"),
        "OpenTelemetry agent", "java/pom.xml",
        r"opentelemetry-javaagent</artifactId>\s*<version>([\d.]+)",
        # A JVM compiles for half a minute what runs often.
        slow_start=2),
    "go": Service(
        "Go", (BUILT / "go/with_sdk/orders",),
        (BUILT / "go/without_sdk/orders",), SAMPLER_OFF,
        ("go", "version"), "OpenTelemetry SDK", "go/go.mod", r"otel/sdk v([\d.]+)"),
    "rust": Service(
        "Rust", (BUILT / "rust/with_sdk/orders",),
        (BUILT / "rust/without_sdk/orders",), SAMPLER_OFF, ("rustc", "--version"), "OpenTelemetry SDK", "rust/Cargo.lock",
        r'name = "opentelemetry_sdk"\s+version = "([\d.]+)"'),
}
