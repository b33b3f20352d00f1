/**
 * PM2: two APIs behind one port, two processors, a worker.
 *
 *     npm install && npm run build
 *     pm2 start ecosystem.config.cjs
 *     pm2 logs
 *     pm2 reload ecosystem.config.cjs --update-env     # one by one: an API listens all the while
 *
 * **PM2's stale environment.** A plain `pm2 restart` or `pm2 reload` runs processes with the environment they were
 * first started with: a REDIS_URL changed since is not seen, and by and by two processes stand on different Redis
 * databases and "see different data". Always give `--update-env`, and `pm2 save` after it, or the next reboot brings
 * the old one back. Lull names the Redis it stands on in the first lines of every process's log: compare them.
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

module.exports = {
  apps: [
    // Cluster mode: PM2 holds the port, so a reload has always one API that listens. A scrape of /metrics there meets any
    // one of them: give each process a port of its own (docs/operations.md, PM2).
    { ...lull, name: 'lull-api', args: 'api', exec_mode: 'cluster', instances: 2 },
    // The others listen on nothing. Any number of them, on any machine: claims are Redis's to give.
    { ...lull, name: 'lull-processor', args: 'processor', exec_mode: 'fork', instances: 2 },
    { ...lull, name: 'lull-worker', args: 'worker', exec_mode: 'fork', instances: 1 },
  ],
}
