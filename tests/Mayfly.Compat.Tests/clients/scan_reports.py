"""Reads one scan's reports with Python's own readers: they must tell the same. Usage: scan_reports.py JSON CSV JUNIT"""

import csv
import json
import sys
import xml.etree.ElementTree as ElementTree

with open(sys.argv[1], encoding="utf-8") as file:
    findings = json.load(file)
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
suite = ElementTree.parse(sys.argv[3]).getroot().find("testsuite")
cases = suite.findall("testcase")

assert len(findings) == len(rows) == len(cases) == int(suite.get("failures")) == int(suite.get("tests")) > 0
for finding, row, case in zip(findings, rows, cases):
    assert None not in row and None not in row.values(), row
    for name, value in row.items():
        expected = " ".join(finding[name]) if isinstance(finding[name], list) else str(finding[name])
        if expected[:1] in ("=", "+", "-", "@", "\t", "\r"):
            expected = "'" + expected
        assert value == expected, (name, value, expected)
    assert case.get("file") == finding["File"], (case.get("file"), finding["File"])
    assert json.loads(case.find("failure").text) == finding
    assert set(finding) == {
        "RuleID", "Description", "StartLine", "EndLine", "StartColumn", "EndColumn", "Match", "Secret", "File",
        "SymlinkFile", "Commit", "Entropy", "Author", "Email", "Date", "Message", "Tags", "Fingerprint",
    }
print(f"ok - {len(findings)} findings")
