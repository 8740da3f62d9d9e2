"""`pricelang explain`: one charge, told step by step."""

from __future__ import annotations

import json

import click

from pricelang.cli.rules import Stopped
from pricelang.cli.usage import FORMATS
from pricelang.cli.usage import check_type
from pricelang.cli.usage import chosen_format
from pricelang.cli.usage import opened
from pricelang.cli.usage import records
