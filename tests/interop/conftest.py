"""The daemon, and the peers as they are needed, once for a run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require_peer
from tests.interop import cases, installation
from tests.interop.gateway_site import NAME, Site, free_port
from tests.interop.installation import NotInstallable, Peer, PeerConfig
from tests.interop.openssl import OpenSsl
from tests.interop.openssl_partner import OpenSslPartner

INSTALLING_SECONDS = 600
PEERS = ("pyas2lib", "django_pyas2", "libas2", "openssl", "mock_edi")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test with a peer installs it, and may take as long as the registry does."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(INSTALLING_SECONDS))


@pytest.fixture(scope="session")
def ports() -> dict[str, int]:
    """The ports the peers listen on."""
    return {name: free_port() for name in PEERS}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Iterator[Site]:
    """The running gateway."""
    site = Site(tmp_path_factory.mktemp("site"), cases.relations(ports))
    try:
        site.start()
        yield site
    finally:
        site.stop()


def _config(site: Site, directory: Path, port: int) -> PeerConfig:
    return PeerConfig(
        port=port,
        inbox=str(directory / "inbox"),
        certificate=str(site.certs / "peer.pem"),
        key=str(site.certs / "peer.key"),
        gateway_certificate=str(site.certs / "gateway.pem"),
        gateway_name=NAME,
        gateway_url=site.url,
    )


@pytest.fixture(scope="session")
def pyas2lib(site: Site, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A peer made of pyas2lib."""
    yield from _python("pyas2lib", site, ports, tmp_path_factory)


@pytest.fixture(scope="session")
def django_pyas2(site: Site, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A peer made of django-pyas2."""
    yield from _python("django_pyas2", site, ports, tmp_path_factory)


@pytest.fixture(scope="session")
def mock_edi(site: Site, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A trading partner made of mock-edi."""
    yield from _python("mock_edi", site, ports, tmp_path_factory)


@pytest.fixture(scope="session")
def libas2(site: Site, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A peer made of libas2."""
    try:
        command, environment = installation.node_peer("libas2")
    except NotInstallable as error:
        require_peer(str(error))
        raise
    config = _config(site, tmp_path_factory.mktemp("libas2"), ports["libas2"])
    yield from _running(Peer(command, config, environment=environment))


@pytest.fixture(scope="session")
def openssl(site: Site) -> OpenSsl:
    """The command openssl with the keys of everybody."""
    if shutil.which("openssl") is None:
        require_peer("the command openssl is not installed")
    return OpenSsl(site.certs)


@pytest.fixture(scope="session")
def openssl_server(openssl: OpenSsl, ports: dict[str, int]) -> Iterator[OpenSslPartner]:
    """A partner made of openssl, for the whole run."""
    partner = OpenSslPartner(openssl, ports["openssl"])
    yield partner
    partner.stop()


@pytest.fixture
def openssl_partner(openssl_server: OpenSslPartner) -> Iterator[OpenSslPartner]:
    """The partner made of openssl, with MDNs of its usual form."""
    openssl_server.form = lambda mdn: mdn
    openssl_server.framing = "length"
    yield openssl_server
    failures, openssl_server.failures = openssl_server.failures, []
    assert failures == []


def _python(name: str, site: Site, ports: dict[str, int], directories: pytest.TempPathFactory) -> Iterator[Peer]:
    try:
        command = installation.python_peer(name)
    except NotInstallable as error:
        require_peer(str(error))
        raise
    yield from _running(Peer(command, _config(site, directories.mktemp(name), ports[name])))


def _running(peer: Peer) -> Iterator[Peer]:
    yield peer
    peer.stop()
