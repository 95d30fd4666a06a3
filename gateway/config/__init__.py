"""Files become one checked, frozen `Snapshot`, or every problem with its file, line and column."""
