"""The migration that names series of control numbers by identifiers alone."""

from importlib import import_module

renamed = import_module("gateway.store.migrations.versions.0005_acknowledgements")._renamed


def test_numbers_go_on_where_they_are() -> None:
    """Series that become one go on behind the highest; others keep their names and are left alone."""
    rows = [
        ("edifact:0088/301:0088/302", 7),
        ("edifact:/301:gln/302", 9),
        ("x12:/ACME:duns/12/3:4", 2),
        ("other", 5),
        ("edifact:301:302", 1),
    ]
    assert list(renamed(rows)) == [
        (["edifact:0088/301:0088/302", "edifact:/301:gln/302"], "edifact:301:302", 9),
        (["x12:/ACME:duns/12/3:4"], "x12:ACME:12/3:4", 2),
    ]
