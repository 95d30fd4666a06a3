"""Reading BER and writing DER."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.as2 import ber, der
from gateway.errors import Refused


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (256, "02020100"),
        (-1, "0201ff"),
        (1 << 64, "0209010000000000000000"),
    ],
)
def test_integers_are_written_and_read_in_their_shortest_form(value: int, encoded: str) -> None:
    """An INTEGER has the octets X.690 section 8.3 gives it."""
    assert ber.read(bytes.fromhex(encoded)).integer() == value
    assert value < 0 or der.integer(value).hex() == encoded


@pytest.mark.parametrize(
    ("dotted", "content"),
    [
        ("1.2.840.113549.1.7.2", "2a864886f70d010702"),
        ("2.16.840.1.101.3.4.2.1", "608648016503040201"),
        ("2.999.3", "883703"),
    ],
)
def test_object_identifiers_go_both_ways(dotted: str, content: str) -> None:
    """Dots become content octets and come back."""
    assert der.oid(dotted).hex() == content
    assert der.dotted(bytes.fromhex(content)) == dotted


def test_lengths_take_the_long_form_from_128_on() -> None:
    """A length of 127 takes one octet, 128 two, 70000 four."""
    assert [len(der.octet_string(b"x" * size)) - size for size in (127, 128, 70_000)] == [2, 3, 5]


def test_a_set_of_is_written_in_order() -> None:
    """DER sorts the members of a SET OF."""
    assert der.set_of(der.integer(2), der.integer(1)) == der.set_of(der.integer(1), der.integer(2))


def test_octet_strings_in_pieces_are_put_together() -> None:
    """Constructed strings, definite and indefinite and nested, give one value."""
    pieces = der.octet_string(b"ab") + der.tlv(0x24, der.octet_string(b"c"), der.octet_string(b"d"))
    assert ber.read(der.tlv(0x24, pieces)).octets() == b"abcd"
    assert ber.read(b"\x24\x80" + pieces + b"\0\0").octets() == b"abcd"
    assert ber.read(b"\x24\x80" + pieces + b"\0\0").to_der() == der.octet_string(b"abcd")


def test_indefinite_lengths_are_read_at_every_level() -> None:
    """The end-of-contents of each level closes that level."""
    data = b"\x30\x80" + b"\x30\x80\x02\x01\x01\0\0" + b"\x02\x01\x02" + b"\0\0"
    root = ber.read(data)
    inner, number = root.children()
    assert (inner.only().integer(), number.integer()) == (1, 2)
    assert root.raw == data
    assert root.to_der() == der.sequence(der.sequence(der.integer(1)), der.integer(2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01",  # says more than there is
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x30\xff" + b"\x01" * 127,  # a length of 127 octets
        b"\x30\x80",  # indefinite and never ended
        b"\x30\x80\x02\x01\x01\0",
        b"\x04\x80ab\0\0",  # primitive with indefinite length
        b"\x1f\x81\x01\x00",  # tag number above 30
        b"\x02\x01\x01x",  # bytes behind the end
        b"\x02\x01\x01\r\n\r\n\r",  # more line ends than are let pass
        b"\x30\x80" * 200,
        b"\x30\x80" * 200 + b"\0\0" * 200,
    ],
)
def test_malformed_input_is_refused_with_its_place(data: bytes) -> None:
    """Cut off, absurd and endless input is refused, never another exception."""
    with pytest.raises(Refused) as raised:
        ber.read(data)
    assert raised.value.code == "AS2-ASN1"
    assert raised.value.place.startswith("byte ")


def test_deep_nesting_of_definite_lengths_is_refused_where_it_is_read() -> None:
    """Depth is bounded for those who go down too."""
    data = der.octet_string(b"")
    for _ in range(100):
        data = der.tlv(0x24, data)
    with pytest.raises(Refused, match="deeper"):
        ber.read(data).octets()


def test_the_number_of_elements_is_bounded() -> None:
    """A string cut into very many empty pieces is refused instead of being walked through."""
    data = b"\x24\x80" + b"\x04\x00" * 2_000_000 + b"\0\0"
    with pytest.raises(Refused, match="too many"):
        ber.read(data)


def test_an_inner_element_cannot_reach_over_its_outer_one() -> None:
    """Lengths that overlap are refused."""
    with pytest.raises(Refused, match="reaches over"):
        ber.read(b"\x30\x03\x04\x05a").children()


def _walk(element: ber.Element) -> None:
    if element.tag & 0x20:
        for child in element.children():
            _walk(child)
    element.to_der()


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([b"\x30\x80", b"\0\0", b"\x04\x01a", b"\x30\x03", b"\x24\x80"]), max_size=40).map(
            b"".join
        ),
    )
)
def test_any_bytes_are_an_element_or_refused(data: bytes) -> None:
    """Whatever comes, it is read to the last leaf or refused."""
    try:
        _walk(ber.read(data))
    except Refused as refused:
        assert refused.code == "AS2-ASN1"  # most inputs are refused, some are not
