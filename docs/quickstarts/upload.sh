#!/bin/sh
# Uploads users and tells what became of each. Needs curl.
#
#   WORKSPACE_URL=https://scim.contoso.com WORKSPACE_TOKEN=ws_… sh upload.sh [people.json]
#
# The file is a BulkRequest of at most 50 operations, or one User.
set -eu
: "${WORKSPACE_URL:?is the address of the server, such as https://scim.contoso.com}"
: "${WORKSPACE_TOKEN:?is a token of the source: workspace token add --tenant TENANT --source SOURCE}"
file=${1:-$(dirname "$0")/people.json}
root=${WORKSPACE_URL%/}/v1.0

# The token goes in by the standard input: arguments can be seen by others.
call() { printf 'header = "Authorization: Bearer %s"\n' "$WORKSPACE_TOKEN" | curl -K - -sS -g --fail-with-body --retry 5 "$@"; }
first() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

source=$(call "$root/servicePrincipals" | first id)
jobs=$root/servicePrincipals/$source/synchronization/jobs
job=$jobs/$(call "$jobs" | first id)

log=$(call -D - -o /dev/null -H 'Content-Type: application/scim+json' --data-binary "@$file" "$job/bulkUpload" |
	tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
echo "Accepted. What becomes of it: $log"

until call "$job" | grep -q '"waitingRecords":0[,}]'; do sleep 1; done
call "$log&\$orderby=activityDateTime%20asc&\$top=1000" | sed 's/},{"id"/}\n{"id"/g' |
	sed -n 's/.*"provisioningAction":"\([^"]*\)".*"statusInfo":{"status":"\([^"]*\)","errorInformation":\(.*\)},"sourceIdentity":{"id":"\([^"]*\)".*/\4: \1, \2 \3/p' |
	sed 's/ null$//'
