// The JavaScript SDK's paginator, its items unmarshalled and joined as CSV.
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

const columns = "rating user_id item_id event_type ts price session device comment".split(" ");
const client = new DynamoDBClient({ endpoint: process.env.ENDPOINT });
const cell = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;

const begun = performance.now();
const before = process.cpuUsage();
for await (const page of paginateScan({ client }, { TableName: process.env.TABLE })) {
  const rows = page.Items.map((item) => unmarshall(item, { wrapNumbers: true }));
  rows.map((row) => columns.map((name) => cell(row[name]?.value ?? row[name])).join(",")).join("\n");
}
const cpu = process.cpuUsage(before);
const used = {
  cpu: (cpu.user + cpu.system) / 1e6,
  wall: (performance.now() - begun) / 1e3,
  peak_mb: process.resourceUsage().maxRSS / 1e3,
};
console.log(JSON.stringify(used));
