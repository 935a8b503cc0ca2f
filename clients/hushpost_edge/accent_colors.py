"""Makes a sender's color readable in both themes (WCAG 2.2, 1.4.3)."""

__all__ = ["accent_style", "contrast"]

_ENOUGH = 4.5
_STEPS = 50
_LINEAR_UP_TO = 0.04045

# The backgrounds in style.css on which the accent has the least contrast: that of notices.
_LIGHT_BACK = "#e3f1e6"
_DARK_BACK = "#1d3323"
_LIGHT_TEXT = "#ffffff"
_DARK_TEXT = "#10202f"


def accent_style(color: str) -> str:
    """Return the rules of a stylesheet that use a color `#rrggbb` as the accent.

    The color is made darker in the light theme and lighter in the dark one, as far as needed.
    """
    light = _readable(color, _LIGHT_BACK, 0)
    dark = _readable(color, _DARK_BACK, 255)
    return (
        f":root {{ --accent: {light}; --on-accent: {_text_on(light)}; }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f"  :root {{ --accent: {dark}; --on-accent: {_text_on(dark)}; }}\n"
        "}\n"
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors `#rrggbb`, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(color: str, back: str, towards: int) -> str:
    """Return the color mixed with as little black or white as its contrast needs."""
    mixed = (_mix(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(each for each in mixed if contrast(each, back) >= _ENOUGH)


def _text_on(color: str) -> str:
    return max(_LIGHT_TEXT, _DARK_TEXT, key=lambda text: contrast(text, color))


def _mix(color: str, towards: int, share: float) -> str:
    mixed = (round(value + (towards - value) * share) for value in _channels(color))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _channels(color: str) -> bytes:
    return bytes.fromhex(color[1:])


def _luminance(color: str) -> float:
    """Return the relative luminance as WCAG defines it."""
    linear = (
        value / 12.92 if value <= _LINEAR_UP_TO else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(color))
    )
    return sum(
        weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
