#!/bin/sh
# Makes one Cluster of the servers that are named, three of them primaries; later starts tell them each other's addresses
# again, which change when containers are made anew. The profile `cluster` of docker-compose.yml runs it.
set -eu

address_of() {
  found=$(redis-cli -h "$1" client info | grep -o ' laddr=[0-9.]*')
  echo "${found# laddr=}"
}

addresses=
for node in "$@"; do addresses="$addresses $(address_of "$node"):6379"; done

if redis-cli -h "$1" cluster info | grep -q cluster_slots_assigned:0; then
  # shellcheck disable=SC2086
  redis-cli --cluster create $addresses --cluster-replicas 1 --cluster-yes
else
  for address in $addresses; do redis-cli -h "$1" cluster meet "${address%:*}" 6379; done
fi
until redis-cli -h "$1" cluster info | grep -q cluster_state:ok; do sleep 1; done
echo 'the Cluster is formed'
exec sleep infinity
