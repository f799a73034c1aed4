#!/usr/bin/env node
// Uploads users of a JSON file and tells what became of each. Needs Node 18.
//
//   WORKSPACE_URL=https://scim.contoso.com WORKSPACE_TOKEN=ws_… node upload.mjs people.json
//
// The file is a BulkRequest or a list of SCIM Users, however long: fifty are sent
// at a time.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const PER_UPLOAD = 50;
const { WORKSPACE_URL, WORKSPACE_TOKEN } = process.env;
const [file] = process.argv.slice(2);
if (!WORKSPACE_URL || !WORKSPACE_TOKEN || !file) {
  console.error('Set WORKSPACE_URL and WORKSPACE_TOKEN, and name a file: node upload.mjs people.json');
  process.exit(2);
}
const root = `${WORKSPACE_URL.replace(/\/$/, '')}/v1.0`;

// call asks the server, again after the time that it names where it is busy.
// An upload that is sent twice does no harm: the same record changes nothing.
async function call(url, init = {}) {
  for (;;) {
    const response = await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${WORKSPACE_TOKEN}` } });
    if (response.ok) return response;
    const { error } = await response.json();
    if (response.status !== 429 && response.status !== 503) throw new Error(`${error.code}: ${error.message}`);
    await sleep(1000 * Number(response.headers.get('Retry-After') ?? 5));
  }
}

const list = async (url) => (await (await call(url)).json()).value;

const content = JSON.parse(await readFile(file, 'utf8'));
const users = content.Operations?.map((operation) => operation.data) ?? content;
const [source] = await list(`${root}/servicePrincipals`);
const jobs = `${root}/servicePrincipals/${source.id}/synchronization/jobs`;
const job = `${jobs}/${(await list(jobs))[0].id}`;

const logs = [];
for (let at = 0; at < users.length; at += PER_UPLOAD) {
  const response = await call(`${job}/bulkUpload`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/scim+json' },
    body: JSON.stringify({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: users.slice(at, at + PER_UPLOAD).map((data, i) => ({ method: 'POST', path: '/Users', bulkId: String(at + i), data })),
    }),
  });
  logs.push(response.headers.get('Location'));
  console.error(`accepted ${Math.min(at + PER_UPLOAD, users.length)} of ${users.length}`);
}

for (;;) {
  const { status } = await (await call(job)).json();
  if (status.waitingRecords === 0) break;
  await sleep(1000);
}

let failed = 0;
for (const log of logs) {
  for (const entry of await list(`${log}&$orderby=activityDateTime%20asc&$top=1000`)) {
    const { status, errorInformation } = entry.provisioningStatusInfo;
    if (status === 'failure') failed++;
    console.log([entry.sourceIdentity.id, entry.provisioningAction, status, errorInformation?.errorCode, errorInformation?.reason].filter(Boolean).join('\t'));
  }
}
process.exit(failed > 0 ? 1 : 0);
