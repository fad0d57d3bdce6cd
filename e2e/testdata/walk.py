"""The walk of a tutorial with boto3. The image is the first argument; where AWS is, the environment says."""
import sys
import urllib.request

import boto3

ecs, ec2, logs, sts = (boto3.client(name) for name in ("ecs", "ec2", "logs", "sts"))
assert sts.get_caller_identity()["Account"] == "000000000000"

logs.create_log_group(logGroupName="/ecs/boto3")
ecs.create_cluster(clusterName="boto3", tags=[{"key": "by", "value": "boto3"}])
ecs.register_task_definition(
    family="web", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], executionRoleArn="ecsTaskExecutionRole",
    containerDefinitions=[{"name": "web", "image": sys.argv[1], "portMappings": [{"containerPort": 80}], "logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/boto3", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs"}}}])
subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]]
run = ecs.run_task(cluster="boto3", taskDefinition="web", launchType="FARGATE", networkConfiguration={
    "awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED"}})
assert run["failures"] == [] and run["tasks"][0]["lastStatus"] == "PROVISIONING", run
arn = run["tasks"][0]["taskArn"]
ecs.get_waiter("tasks_running").wait(cluster="boto3", tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60})

task = ecs.describe_tasks(cluster="boto3", tasks=[arn])["tasks"][0]
details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
interface = ec2.describe_network_interfaces(NetworkInterfaceIds=[details["networkInterfaceId"]])["NetworkInterfaces"][0]
assert interface["PrivateIpAddress"] == details["privateIPv4Address"] and interface["SubnetId"] in subnets, interface
for address in (interface["PrivateIpAddress"], interface["Association"]["PublicIp"]):
    body = urllib.request.urlopen(f"http://{address}/", timeout=10).read().decode()
    assert body.startswith("hello from "), body
urllib.request.urlopen(f"http://{address}/exit?code=3", timeout=10).read()

ecs.get_waiter("tasks_stopped").wait(cluster="boto3", tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
task = ecs.describe_tasks(cluster="boto3", tasks=[arn])["tasks"][0]
assert (task["stopCode"], task["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited"), task
assert task["containers"][0]["exitCode"] == 3 and task["createdAt"] < task["startedAt"] < task["stoppedAt"], task
stream = "ecs/web/" + arn.rsplit("/", 1)[1]
events = logs.get_log_events(logGroupName="/ecs/boto3", logStreamName=stream, startFromHead=True)["events"]
assert [e["message"] for e in events][-1] == "leaving with exit code 3", events
assert ecs.get_paginator("list_tasks").paginate(cluster="boto3", desiredStatus="STOPPED").build_full_result()["taskArns"] == [arn]
ecs.deregister_task_definition(taskDefinition="web:1")
ecs.delete_cluster(cluster="boto3")
try:
    ecs.list_tasks(cluster="boto3")
except ecs.exceptions.ClusterNotFoundException:
    pass
