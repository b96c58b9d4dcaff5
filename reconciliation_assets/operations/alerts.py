"""Telling people: an alert as words, and its delivery to the log and to a webhook."""

import json
from dataclasses import dataclass

import httpx
import stamina


@dataclass(frozen=True)
class Alert:
    """Something that broke.

    Attributes:
        title: what broke, in a few words.
        message: where, how much, and what to do.
    """

    title: str
    message: str


class DeliveryError(RuntimeError):
    """The webhook did not take the alert; it will be sent again."""


@stamina.retry(on=httpx.TransportError, attempts=3, timeout=30)
def _post(url: str, body: str) -> httpx.Response:
    return httpx.post(url, content=body, headers={"content-type": "application/json"}, timeout=10)


def deliver(alert: Alert, webhook: str | None) -> None:
    """Post the alert to the webhook, if one is set.

    Args:
        webhook: a URL that takes `{"title", "text"}` as JSON, the form Slack, Teams and most others understand.

    Raises:
        DeliveryError: the webhook could not be reached or refused; the URL, which may carry a token, is not named.
    """
    if webhook is None:
        return
    try:
        answer = _post(webhook, json.dumps({"title": alert.title, "text": f"{alert.title}\n{alert.message}"}))
    except httpx.HTTPError as error:
        raise DeliveryError(f"The alert webhook could not be reached ({type(error).__name__}).") from None
    if answer.is_error:
        raise DeliveryError(f"The alert webhook answered {answer.status_code}.")
