"""Draws line charts in SVG."""


class Chart:
    """A drawing to which a caller adds texts, levels and curves. Positions are in
    pixels from the upper left corner."""

    def __init__(self, width, height):
        self._parts = [
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'width="{width}" height="{height}" '
            'font-family="sans-serif" font-size="13">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>']

    def title(self, x, y, text):
        self._parts.append(f'<text x="{x}" y="{y}" font-size="16" '
                           f'fill="#111827">{text}</text>')

    def level(self, left, right, y, label):
        """A horizontal line, with its label on the left."""
        self._parts.append(
            f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="#e5e7eb"/><text x="{left - 8}" y="{y + 4:.1f}" '
            f'text-anchor="end" fill="#374151">{label}</text>')

    def centred(self, x, y, text):
        """A text below an axis."""
        self._parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle" '
                           f'fill="#374151">{text}</text>')

    def curve(self, points, colour, width):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{path}" fill="none" '
                           f'stroke="{colour}" stroke-width="{width}"/>')

    def dots(self, points, colour):
        self._parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" '
                        f'fill="{colour}"/>' for x, y in points]

    def names(self, x, curves):
        """Names beside the ends of curves, moved apart where they would overlap.
        Each curve is the height of its end, its name and its colour."""
        labels = sorted([y + 4, name, colour] for y, name, colour in curves)
        for before, label in zip(labels, labels[1:]):
            label[0] = max(label[0], before[0] + 16)
        self._parts += [f'<text x="{x}" y="{y:.1f}" fill="{colour}">{name}</text>'
                        for y, name, colour in labels]

    def svg(self):
        return "\n".join([*self._parts, "</svg>", ""])
