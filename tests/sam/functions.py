"""The logical ids of the functions of a template, one a line: functions.py template.yaml"""

import re
import sys

with open(sys.argv[1], encoding="utf-8") as template:
    text = template.read()
print("\n".join(re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", text, re.MULTILINE)))
