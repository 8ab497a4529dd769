"""The sources of the project, and the build that is tested."""

import os
import pathlib

BUILD_DIR = pathlib.Path(os.environ["BUILD_DIR"])
SOURCE_DIR = pathlib.Path(os.environ["SOURCE_DIR"])
SANITIZER_RUNTIME = os.environ.get("SANITIZER_RUNTIME", "")
MODULE = BUILD_DIR / "resource_attribution.so"
# What belongs into a directory of plugins.
MODULE_FILES = (MODULE, BUILD_DIR / "resource_attribution_sampler")
CHECK = BUILD_DIR / "resource-attribution-check"


def shipped(path, replacements):
    """The text of a file that the project ships. Only these parts of it are
    replaced; each must be there."""
    text = (SOURCE_DIR / path).read_text()
    for old, new in replacements.items():
        assert old in text, f"{path} has no {old}"
        text = text.replace(old, str(new))
    return text
