"""The stack as it runs on several machines, on this one: two of each process on PostgreSQL and Redis. `make cluster`.

nginx stands in front, and between the rooms, where it is installed. Without it each node's rooms know their own node only and the
public ports are two; a conversation still keeps its Rasa and moves to the other when that is gone.

    CLUSTER_POSTGRES_URL   where the databases are made (postgresql://postgres@127.0.0.1:5432/postgres)
    CLUSTER_REDIS_URL      redis://127.0.0.1:6379/0
"""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import signal
import sys
import time
from dataclasses import dataclass, replace

import psycopg
import redis

from tools import secrets
from tools.stack import PORTS, Process, Stack, environment, processes

POSTGRES = os.environ.get("CLUSTER_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("CLUSTER_REDIS_URL", "redis://127.0.0.1:6379/0")
ROOMS = ("gateway", "binding", "rasa")
NODES = 2
# What nginx listens on, and the port of each node behind it.
DOORS = {
    "GATEWAY_URL": "GATEWAY_PORT",
    "GATEWAY_INTERNAL_URL": "GATEWAY_INTERNAL_PORT",
    "ACTIONS_URL": "ACTIONS_PORT",
    "BINDING_URL": "BINDING_PORT",
}
HTTP = """{user}daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/logs/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {home}/nginx; proxy_temp_path {home}/nginx; fastcgi_temp_path {home}/nginx; uwsgi_temp_path {home}/nginx; scgi_temp_path {home}/nginx;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
{servers}
}}
"""
SERVER = """  upstream {name} {{ {members} keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size {most};
    location / {{
      proxy_pass http://{name};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 2s;
      proxy_read_timeout 75s;
      proxy_buffering off;
      proxy_next_upstream error timeout;
    }}
  }}
"""


@dataclass(frozen=True)
class Databases:
    """One PostgreSQL database for each room that keeps something; `suffix` keeps clusters apart."""

    suffix: str = ""

    def name(self, room: str) -> str:
        """Returns the name of a room's database."""
        return f"jiebang_{room}{self.suffix}"

    def url(self, room: str) -> str:
        """Returns the address of a room's database."""
        return f"{POSTGRES.rsplit('/', 1)[0]}/{self.name(room)}"

    def make(self) -> None:
        """Makes those that are missing."""
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=5) as admin:
            known = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
            for room in ROOMS:
                if self.name(room) not in known:
                    admin.execute(f"CREATE DATABASE {self.name(room)}")

    def drop(self) -> None:
        """Drops them, with everything in them."""
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            for room in ROOMS:
                admin.execute(f"DROP DATABASE IF EXISTS {self.name(room)} WITH (FORCE)")


class Cluster(Stack):
    """Two nodes, `gateway-1` … `rasa-2`, one bank and phone stand-in, and nginx where it is installed.

    `node_ports`: for each node a port for each name in PORTS; `door_ports`: what nginx listens on, a port for each name in DOORS.
    """

    def __init__(
        self,
        *,
        home: pathlib.Path,
        node_ports: list[dict[str, int]],
        door_ports: dict[str, int],
        databases: Databases,
        redis_url: str = REDIS,
        model: str = "models",
        nginx: str | None = None,
    ) -> None:
        self.home = home.resolve()
        self.logs, self.nginx = self.home / "logs", nginx
        shared = {
            "GATEWAY_DATABASE_URL": databases.url("gateway"),
            "BINDING_DATABASE_URL": databases.url("binding"),
            "RASA_TRACKER_URL": databases.url("rasa"),
            "REDIS_URL": redis_url,
            "JIEBANG_SANDBOX": "1",
            "GATEWAY_TRUSTED_PROXIES": "127.0.0.1" if nginx else "",
        }
        peers = {
            name: f"http://127.0.0.1:{node_ports[0]['SANDBOX_PORT']}" for name in ("BANK_URL", "SMS_URL", "SANDBOX_URL")
        }
        doors = {name: f"http://127.0.0.1:{port}" for name, port in door_ports.items()} if nginx else {}
        rasas = ",".join(f"http://127.0.0.1:{ports['RASA_PORT']}" for ports in node_ports)
        self.env = environment(home=self.home, ports=node_ports[0], extra={**shared, **peers, **doors})
        self.urls = [f"http://127.0.0.1:{ports['GATEWAY_PORT']}" for ports in node_ports]
        self.processes: dict[str, Process] = {}
        for number, ports in enumerate(node_ports, start=1):
            own = environment(home=self.home, ports=ports, extra={**shared, **peers})
            for process in processes(env=own, model=model):
                if process.name == "sandbox" and number > 1:
                    continue
                name = process.name if process.name == "sandbox" else f"{process.name}-{number}"
                env = {**own, **doors, "RASA_URL": rasas, **process.env}
                if process.name == "rasa" and doors:
                    env["ACTIONS_WEBHOOK_URL"] = doors["ACTIONS_URL"] + "/webhook"
                self.processes[name] = replace(process, name=name, env=env)
        if nginx:
            self.processes["nginx"] = self._door(nginx, node_ports, door_ports)

    def _door(self, nginx: str, node_ports: list[dict[str, int]], door_ports: dict[str, int]) -> Process:
        servers = "".join(
            SERVER.format(
                name=door.removesuffix("_URL").lower(),
                port=door_ports[door],
                # Rasa hands its actions the whole tracker.
                most="16m" if door == "ACTIONS_URL" else "256k",
                members=" ".join(
                    f"server 127.0.0.1:{ports[port]} max_fails=1 fail_timeout=2s;" for ports in node_ports
                ),
            )
            for door, port in DOORS.items()
        )
        (self.home / "nginx").mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.home / "nginx.conf"
        # Started by root, nginx would otherwise work as somebody who may not write what it buffers into our folder.
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.geteuid() == 0 else ""
        path.write_text(HTTP.format(home=self.home, servers=servers, user=user))
        return Process("nginx", [nginx, "-c", str(path), "-e", str(self.logs / "nginx.log")], self.url + "/readyz")

    def node(self, number: int) -> list[str]:
        """Returns the names of a node's processes."""
        return [name for name in self.processes if name.endswith(f"-{number}")]

    def up(self, *, seconds: float = 300.0) -> None:
        """Starts one node after the other, since the first one makes the tables, and waits until customers can be served."""
        first = [name for name in self.processes if not name.endswith("-2")]
        self.start(*first)
        self.wait(*first, seconds=seconds)
        self.start(*self.node(2))
        self.wait(*self.node(2), seconds=seconds)


def spread(offset: int) -> dict[str, int]:
    """Returns the ports of a node: the usual ones, so many further up."""
    return {name: port + offset for name, port in PORTS.items()}


def main() -> None:
    """Runs the cluster until Ctrl-C; what dies is started again."""
    began, nginx = time.monotonic(), shutil.which("nginx")
    databases = Databases()
    try:
        databases.make()
        redis.Redis.from_url(REDIS, socket_connect_timeout=3).ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        sys.exit(f"A cluster needs PostgreSQL and Redis (CLUSTER_POSTGRES_URL, CLUSTER_REDIS_URL): {error}")
    doors = {name: int(os.environ.get(port, PORTS[port])) for name, port in DOORS.items()}
    for name in PORTS:
        os.environ.pop(name, None)  # the usual ports are the doors'; each node has its own
    home = secrets.home() / "cluster"
    nodes = [spread(100 * (number + 1)) for number in range(NODES)]
    cluster = Cluster(home=home, node_ports=nodes, door_ports=doors, databases=databases, nginx=nginx)

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    try:
        print("· starting: " + ", ".join(cluster.processes), flush=True)
        cluster.up()
        found = [cluster.url] if nginx else cluster.urls
        print(f"· ready ({time.monotonic() - began:.0f} s): " + " ".join(found), flush=True)
        if not nginx:
            print("· nginx is not installed, so each node has its own door and knows its own rooms", flush=True)
        cluster.watch()
    except KeyboardInterrupt:
        print("\n· stopping", flush=True)
    except RuntimeError as error:
        sys.exit(f"{error}\nAll logs: {cluster.logs}")
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
