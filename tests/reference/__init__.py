"""The differential test. A description (`describe`) is made at random (`generate`), written as a rule file (`write`) for
the engine, and priced as it is by the reference (`price`); `compare` holds the two against each other, `run` does it
for ranges of seeds, and `faults` seeds faults in the engine that it has to catch."""

import zoneinfo

zoneinfo.reset_tzpath(to=())  # zones as the library reads them, not as the machine has them
