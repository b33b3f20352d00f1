#!/bin/sh
# Starts a Sentinel of the servers that are named, the first primary first. Addresses change when containers are made anew,
# so it looks for the primary at each start, and tells the others where it is. (Host names instead of addresses would do
# until a server is away: then its name is unknown, and the Sentinels stop for as long as they look for it.)
# The profile `sentinel` of docker-compose.yml runs it.
set -eu
export REDISCLI_AUTH="$REDIS_PASSWORD"
conf=/data/sentinel.conf

address_of() {
  found=$(redis-cli -h "$1" client info | grep -o ' laddr=[0-9.]*')
  echo "${found# laddr=}"
}

# A replica that was promoted counts before the first primary, which may not know that yet.
primary=
for server in "$@"; do
  case "$(redis-cli -h "$server" role)" in master*) primary=$server ;; esac
done
[ -n "$primary" ] || { echo 'no primary yet'; exit 1; }
address=$(address_of "$primary")
for server in "$@"; do
  [ "$server" = "$primary" ] || redis-cli -h "$server" replicaof "$address" 6379 || true
done

# It stays the same Sentinel for the others.
id=$(grep '^sentinel myid' "$conf" || true)
printf '%s\n' 'bind * -::*' 'port 26379' 'dir /data' 'protected-mode no' "$id" \
  "sentinel monitor mymaster $address 6379 2" "sentinel auth-pass mymaster $REDIS_PASSWORD" \
  'sentinel down-after-milliseconds mymaster 5000' >"$conf"
exec docker-entrypoint.sh redis-server "$conf" --sentinel
