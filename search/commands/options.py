"""Options that several commands share."""

from __future__ import annotations

import argparse


def add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", metavar="DB", help="the index (default: SEARCH_DB, or a file in your data folder)")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON, as the HTTP API gives it")


def add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--path", metavar="GLOB", help="only documents whose path matches, such as 'guide/*'")
    parser.add_argument("--type", metavar="TYPE", help="only documents of a type, such as pdf or markdown")
