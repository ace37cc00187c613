"""Executes the state machines of template.yaml with a Step Functions of its own, over the functions' binaries and an
embedded DynamoDB, and checks what they did.

    machines.py TEMPLATE FOLDER-OF-BINARIES
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import boto3
import yaml

import lambda_service

REGION = "eu-west-1"
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": REGION,
               "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
PARAMETERS = {"SecretKeys": "1:a secret for tests only", "ProgramName": "wholesale", "LogLevel": "error"}
COMPANIES = 40
# The machines that walk, and their functions.
WALKS = {"ExpirySweep": "DiscountExpiry", "ReviewSweep": "AccountReview"}
INSTANCES = 4
SECONDS_MAX = 300


class Loader(yaml.SafeLoader):
    pass


# `!GetAtt X.Arn` becomes ("GetAtt", "X.Arn").
Loader.add_multi_constructor("!", lambda loader, tag, node: (tag, loader.construct_scalar(node)))


class Template:
    def __init__(self, path):
        self.folder = path.parent
        self.document = yaml.load(path.read_text(), Loader)
        self.resources = self.document["Resources"]

    def of_type(self, kind):
        found = {id: resource["Properties"] for id, resource in self.resources.items() if resource["Type"] == kind}
        assert found, kind
        return found

    def machines(self):
        return self.of_type("AWS::Serverless::StateMachine")

    def definition(self, machine):
        text = (self.folder / machine["DefinitionUri"]).read_text()
        for name, (kind, target) in machine["DefinitionSubstitutions"].items():
            assert kind == "GetAtt", kind
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{target.removesuffix('.Arn')}"
            text = text.replace("${%s}" % name, arn)
        return text

    def environment(self, endpoint):
        """The variables that all functions have."""
        values = {**PARAMETERS, "DynamoDbEndpoint": endpoint}
        values |= {id: id.removesuffix("Table").lower() for id in self.of_type("AWS::DynamoDB::Table")}
        variables = self.document["Globals"]["Function"]["Environment"]["Variables"]
        return {name: values[target] for name, (_, target) in variables.items()}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args[0]} ended"
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(process.args[0])


class Api:
    """The API of the local cloud."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, document=None):
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.url + path, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def order(self, number, placed_at):
        """An order that issues a discount."""
        line = {"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "600.00"}
        self.ask("/v1/orders", {"source": "shop", "order_id": f"o-{number}", "account_id": f"company-{number}",
                                "placed_at": placed_at.isoformat(), "currency": "GBP", "lines": [line]})

    def expired(self, number):
        entries = self.ask(f"/v1/accounts/company-{number}/entries")["entries"]
        kinds = Counter(change["type"] for entry in entries for change in entry["changes"])
        return kinds["discount.expired"]


class Tables:
    """What the walks have noted, beside what the API shows."""

    def __init__(self, endpoint):
        self.metrics = boto3.resource("dynamodb", endpoint_url=endpoint).Table("metrics")

    def open_day(self, walk):
        noted = self.metrics.get_item(Key={"metric": f"walk#{walk}", "period": "OPEN"}, ConsistentRead=True)
        return str(datetime.fromtimestamp(int(noted["Item"]["number"]) * 86400, timezone.utc).date())

    def set_open_day(self, walk, day):
        number = (day - datetime(1970, 1, 1, tzinfo=timezone.utc)).days
        self.metrics.put_item(Item={"metric": f"walk#{walk}", "period": "OPEN", "number": number})


class StepFunctions:
    def __init__(self, template, port):
        self.client = boto3.client("stepfunctions", endpoint_url=f"http://127.0.0.1:{port}")
        role = f"arn:aws:iam::{ACCOUNT}:role/any"
        create = self.client.create_state_machine
        self.machines = {id: create(name=id, definition=template.definition(machine), roleArn=role)["stateMachineArn"]
                         for id, machine in template.machines().items()}

    def execute(self, machine, task):
        begun = time.monotonic()
        arn = self.client.start_execution(stateMachineArn=self.machines[machine], name=str(uuid.uuid4()),
                                          input=json.dumps(task))
        while time.monotonic() < begun + SECONDS_MAX:
            execution = self.client.describe_execution(executionArn=arn["executionArn"])
            if execution["status"] != "RUNNING":
                print(f"  {machine} {json.dumps(task)}: {execution['status']} after {time.monotonic() - begun:.1f} s: "
                      f"{execution.get('output') or execution.get('cause')}")
                return execution
            time.sleep(0.2)
        raise TimeoutError(machine)


def every_walk_is_done_once(api, tables, machines, functions):
    # The discounts end, after thirty days to the same local time, when all orders are there.
    ends_at = datetime.now(ZoneInfo("Europe/London")) + timedelta(seconds=10)
    for number in range(COMPANIES):
        api.order(number, ends_at - timedelta(days=30))
    time.sleep(max(0, (ends_at - datetime.now(timezone.utc)).total_seconds()))
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    for walk in ["expiry", "review"]:
        tables.set_open_day(walk, today - timedelta(days=2))
    # A task that fails twice is tried again twice; the last try alone would not make up for it.
    faults = iter(["StoreFault", "StoreFault"])
    functions["DiscountExpiry"].fault_of = lambda event: next(faults, None) if event.get("shard") == 9 else None
    written = 0
    for machine in WALKS:
        execution = machines.execute(machine, {"task": "plan"})
        assert execution["status"] == "SUCCEEDED", execution
        summary = json.loads(execution["output"])
        assert (summary["days_left"], summary["done"]["set_aside"]) == (0, 0), summary
        written += summary["done"]["written"]
    assert written == COMPANIES, written
    assert next(faults, None) is None
    again = [json.loads(machines.execute(machine, {"task": "plan"})["output"]) for machine in WALKS]
    assert [summary["done"]["written"] for summary in again] == [0, 0], again
    assert {api.expired(number) for number in range(COMPANIES)} == {1}
    closed = str((today - timedelta(days=2)).date())
    assert all(tables.open_day(walk) > closed for walk in ["expiry", "review"])
    # Every shard of every open day was asked for, by each machine.
    for function in (functions[name] for name in WALKS.values()):
        walked = {(event["day"], event["shard"]) for event in function.events if event["task"] == "walk"}
        assert len(walked) == 3 * 64, len(walked)


def a_task_that_fails_keeps_no_other_from_being_done(machines, functions):
    expiry = functions["DiscountExpiry"]
    expiry.events.clear()
    # Refused at once: what is tried again for minutes is tried by the tests of the local machine.
    expiry.fault_of = lambda event: "BadTask" if event.get("shard") == 9 else None
    today = str(datetime.now(timezone.utc).date())
    execution = machines.execute("ExpirySweep", {"task": "plan", "day": today})
    assert execution["status"] == "FAILED", execution
    assert "1 of 65 tasks failed, the first: shard 9 of " in execution["cause"], execution["cause"]
    assert {event["shard"] for event in expiry.events if event["task"] == "walk"} == set(range(64))
    refused = machines.execute("ExpirySweep", {"task": "plan", "day": "2999-01-01"})
    assert refused["status"] == "FAILED" and "in the future" in refused["cause"], refused


def a_night_is_counted_whole(machines, functions):
    rollup = functions["MetricRollup"]
    # A segment that fails twice is counted once.
    faults = iter(["StoreFault", "StoreFault"])
    rollup.fault_of = lambda event: next(faults, None) if event.get("segment") == 3 else None
    execution = machines.execute("NightlyRollup", {"task": "plan"})
    assert execution["status"] == "SUCCEEDED", execution
    assert next(faults, None) is None
    summary = json.loads(execution["output"])
    assert summary["accounts"] == COMPANIES, summary
    assert {event["segment"] for event in rollup.events if event["task"] == "scan"} == set(range(16))
    again = json.loads(machines.execute("NightlyRollup", {"task": "plan", "date": summary["date"]})["output"])
    assert again == {**summary, "revision": summary["revision"] + 1}, again
    refused = machines.execute("NightlyRollup", {"task": "plan", "date": "2999-01-01"})
    assert refused["status"] == "FAILED" and "has not ended yet" in refused["cause"], refused


def main():
    template, binaries = Template(Path(sys.argv[1]).resolve()), Path(sys.argv[2])
    os.environ.update(CREDENTIALS)
    processes, functions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            api_port, database_port, moto_port = free_port(), free_port(), free_port()
            endpoint = f"http://127.0.0.1:{database_port}"
            serve = [binaries / "guilder", "serve", "--db", f"{folder}/guilder.db", "--no-demo", "--port",
                     str(api_port), "--dynamodb-port", str(database_port)]
            processes.append(subprocess.Popen(serve, cwd=folder, stdout=subprocess.DEVNULL))
            wait_for(api_port, processes[-1])
            environment = {**template.environment(endpoint), **CREDENTIALS}
            for id, function in template.of_type("AWS::Serverless::Function").items():
                name = Path(function["CodeUri"]).name
                if any(id in str(machine["DefinitionSubstitutions"]) for machine in template.machines().values()):
                    functions[id] = lambda_service.Function(binaries / name, environment, INSTANCES)
            # The machines' own calls of Lambda go to the service, the service's others to moto.
            port = lambda_service.service(functions, moto_port)
            moto = [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(moto_port)]
            processes.append(subprocess.Popen(moto, env={**os.environ, "MOTO_PORT": str(port)}, cwd=folder,
                                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_for(moto_port, processes[-1])
            executing = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
            urllib.request.urlopen(f"http://127.0.0.1:{moto_port}/moto-api/config", executing).close()
            machines = StepFunctions(template, port)
            every_walk_is_done_once(Api(api_port), Tables(endpoint), machines, functions)
            a_task_that_fails_keeps_no_other_from_being_done(machines, functions)
            a_night_is_counted_whole(machines, functions)
            print("the state machines did what they should")
        finally:
            for process in processes + [process for function in functions.values() for process in function.processes]:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
