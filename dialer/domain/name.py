"""The name an operator gives to a campaign or a trunk.  Pure."""

from dialer.errors import InvalidInput

LONGEST_NAME = 100


def check_name(text: str) -> str:
    """The name without spaces around it.

    Raises:
        InvalidInput: it is empty, too long, or would break the lines it is shown in.
    """
    name = text.strip()
    if not name:
        raise InvalidInput("a name cannot be empty", hint="choose a short one, as may-reminders")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"this name is longer than {LONGEST_NAME} characters or cannot be printed",
            hint="choose a short one, as may-reminders",
        )
    return name
