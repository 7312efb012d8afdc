"""The address that LiveKit has to post its webhooks to."""

from dialer.config import Settings

PATH = "/webhooks/livekit"


def webhook_url(settings: Settings) -> str:
    """The URL of the web process as seen from this machine; with port 0 only its log knows the port."""
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    return f"http://{host}:{settings.web_port or '<port>'}{PATH}"
