"""What the program says to people, in their language: English in the code, Chinese in ``zh_CN.po``."""

from functools import cache
from importlib.resources import files
from io import StringIO

from babel import negotiate_locale
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

LANGUAGES = ("en", "zh_CN")


@cache
def sentences(language: str) -> dict[str, str]:
    """Return the translations into a language, by the English sentence."""
    if language == "en":
        return {}
    catalogue = read_po(StringIO(files(__name__).joinpath(f"{language}.po").read_text("utf-8")), language)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str)
    }


def translate(language: str, sentence: str, **values: object) -> str:
    """Say a sentence in a language, in English where it has no translation."""
    text = sentences(language).get(sentence) or sentence
    return text.format(**values) if values else text


def language_of(connection: HTTPConnection) -> str:
    """Choose the language that a reader prefers (``Accept-Language``) among those there are."""
    accepted = []
    for part in connection.headers.get("accept-language", "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            accepted.append((float(weight or 1), tag.replace("-", "_")))
        except ValueError:
            continue
    wanted = [tag for _, tag in sorted(accepted, key=lambda pair: -pair[0]) if tag]
    wanted = ["zh_CN" if tag.lower().startswith("zh") else tag for tag in wanted]
    return negotiate_locale(wanted, LANGUAGES) or "en"


def say(connection: HTTPConnection, sentence: str, **values: object) -> str:
    """Say a sentence in the language of whoever asked."""
    return translate(language_of(connection), sentence, **values)
