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
AGENT = f"-javaagent:{BUILT}/java/opentelemetry-javaagent.jar"

SERVICES = {
    "node": Service(
        title="Node.js", with_sdk=NODE, without_sdk=(NODE[0], NODE[-1]), off=DISABLED,
        version=("node", "--version"), sdk="OpenTelemetry SDK",
        lock="node/package.json", pinned=r'sdk-node": "([\d.]+)"',
        env={"NODE_PATH": f"{BUILT}/node/node_modules"}),
    "python": Service(
        title="Python", with_sdk=(*PYTHON, "sdk"), without_sdk=PYTHON, off=DISABLED,
        version=(PYTHON[0], "--version"), sdk="OpenTelemetry SDK",
        lock="python/requirements.txt", pinned=r"opentelemetry-sdk==([\d.]+)"),
    "java": Service(
        title="Java", with_sdk=(JAVA[0], AGENT, *JAVA[1:]), without_sdk=JAVA,
        off=DISABLED, version=("java", "--version"), sdk="OpenTelemetry agent",
        lock="java/pom.xml",
        pinned=r"opentelemetry-javaagent</artifactId>\s*<version>([\d.]+)",
        # A JVM compiles for half a minute what runs often.
        slow_start=2),
    "go": Service(
        title="Go", with_sdk=(BUILT / "go/with_sdk/orders",),
        without_sdk=(BUILT / "go/without_sdk/orders",), off=SAMPLER_OFF,
        version=("go", "version"), sdk="OpenTelemetry SDK",
        lock="go/go.mod", pinned=r"otel/sdk v([\d.]+)"),
    "rust": Service(
        title="Rust", with_sdk=(BUILT / "rust/with_sdk/orders",),
        without_sdk=(BUILT / "rust/without_sdk/orders",), off=SAMPLER_OFF,
        version=("rustc", "--version"), sdk="OpenTelemetry SDK",
        lock="rust/Cargo.lock",
        pinned=r'name = "opentelemetry_sdk"\s+version = "([\d.]+)"'),
}
