"""For tests of rulesets: a plug-in of pytest (`plugin.py`) and strategies of Hypothesis (`strategies.py`)."""
