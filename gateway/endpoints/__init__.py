"""Ways in and out; `KINDS` is the list."""

from typing import Final

from gateway.endpoints import folder
from gateway.endpoints.api import ApiListener, ApiSettings
from gateway.endpoints.as2 import check as as2
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.sender import As2Sender
from gateway.endpoints.as2.settings import As2Settings
from gateway.endpoints.base import Kind

KINDS: Final[dict[str, Kind]] = {
    "as2": Kind(
        settings=As2Settings,
        sender=As2Sender,
        listener=As2Listener,
        check=as2.check,
        claims=as2.claims,
        claimed_by="partner",
    ),
    "folder": Kind(
        settings=folder.FolderSettings,
        sender=folder.FolderSender,
        listener=folder.FolderListener,
        check=folder.check,
        claims=folder.claims,
    ),
    "api": Kind(settings=ApiSettings, listener=ApiListener),
}
