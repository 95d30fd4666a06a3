"""What is the same in every directory: the service segments of ISO 9735 and the message CONTRL."""

from gateway.formats.edifact.directories.tables import table

SEGMENTS = table("""
UNH !0062 !S009 0068 S010
UNS !0081
UNT !0074 !0062
UCI !0020 !S002 !S003 !0083 0085 0013 S011 0138
UCF !0048 S006 S007 0083 0085 0013 S011 0138
UCM !0062 S009 0083 0085 0013 S011 0800 S020 0138
UCS !0096 0085
UCD !0085 !S011
""")
"""Element 0138 and what stands around it came with syntax version 4."""

COMPOSITES = table("""
S002 !0004 0007 0008 0042
S003 !0010 0007 0014 0046
S006 !0040 0007
S007 !0044 0007
S009 !0065 !0052 !0054 !0051 0057 0110 0113
S010 !0070 0073
S011 !0098 0104 0136
S020 !0813 0802
""")

ELEMENTS = table("""
0004 an..35
0007 an..4
0008 an..35
0010 an..35
0013 an3
0014 an..35
0020 an..14
0040 an..35
0042 an..35
0044 an..35
0046 an..35
0048 an..14
0051 an..3
0052 an..3
0054 an..3
0057 an..6
0062 an..14
0065 an..6
0068 an..35
0070 n..2
0073 a1
0074 n..10
0081 a1
0083 an..3
0085 an..3
0096 n..6
0098 n..3
0104 n..3
0110 an..6
0113 an..6
0136 n..6
0138 an..4
0800 an..35
0802 an..35
0813 an..3
""")

CODES = table("""
0081 D S
0083 1-8
0085 2 7 12-49 50-99
""")

CONTRL = "UCI! (UCM (UCS UCD*99)*999)*999999 (UCF (UCM (UCS UCD*99)*999)*999999)*999999"
