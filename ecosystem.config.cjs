/**
 * PM2: two APIs behind one port, two processors, a worker.
 *
 *     npm install && npm run build
 *     pm2 start ecosystem.config.cjs
 *     pm2 logs                                         # or of one kind: pm2 logs /lull-api/
 *     pm2 reload ecosystem.config.cjs --update-env     # one by one: an API listens all the while
 *
 * **PM2's stale environment.** A plain `pm2 restart` or `pm2 reload` runs processes with the environment they were
 * first started with: a REDIS_URL changed since is not seen, and by and by two processes stand on different Redis
 * databases and "see different data". Always give `--update-env`, and `pm2 save` after it, or the next reboot brings
 * the old one back. A variable that is no longer set stays even so, until `pm2 delete all`. Lull names the Redis it
 * stands on in the first lines of every process's log: compare them, or ask `lull doctor`.
 *
 * A setting in `.env` beside this file is read by Lull itself at each start, and PM2 has no copy of it. But what PM2
 * has kept goes before `.env`.
 */
const lull = {
  script: 'dist/esm/bin.js',
  cwd: __dirname,
  // Above LULL_SHUTDOWN_MS (25 s): PM2 kills after it. Its own default of 1.6 s would cut handovers in the middle,
  // which loses nothing, but repeats them.
  kill_timeout: 30_000,
  // A crash loop (Redis down, a wrong setting) backs off up to 15 s instead of ending in "errored".
  exp_backoff_restart_delay: 100,
  // Secrets and addresses: from the environment that PM2 is called in, or .env. Not here.
  time: false, // Log lines have a time of their own.
}

/**
 * An app a process, each with a port of its own for probes and Prometheus (9101, 9102; 9111, 9112; 9121, as in
 * ops/prometheus/prometheus.yml). One app with `instances: 2` has one /metrics for both, which answers with the counters
 * of either; and `increment_var` gives both the same port again at a reload with --update-env.
 */
const each = (role, count, firstPort, exec_mode) =>
  Array.from({ length: count }, (_, i) => ({
    ...lull,
    name: `lull-${role}-${i + 1}`,
    args: role,
    exec_mode,
    env: { LULL_OPS_PORT: firstPort + i },
  }))

module.exports = {
  apps: [
    // Cluster mode: PM2 holds the API's port for all of them, so at a reload there is always one that listens.
    ...each('api', 2, 9101, 'cluster'),
    // The others listen on nothing but that port. Any number of them, on any machine: claims are Redis's to give.
    ...each('processor', 2, 9111, 'fork'),
    ...each('worker', 1, 9121, 'fork'),
  ],
}
