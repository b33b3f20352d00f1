/**
 * PM2: two APIs behind one port, two processors, a worker. docs/operations.md#pm2 has the commands.
 *
 * **Always reload with `--update-env`**, and run `pm2 save` afterwards. Otherwise PM2 runs processes with the
 * environment of their first start: a REDIS_URL that you changed since has no effect, and over time two processes end
 * up on different Redis databases. A variable that you removed stays set until `pm2 delete all`. `lull doctor` and
 * the first lines of each process's log name the Redis that it uses.
 *
 * At each start Lull reads `.env` in the project that has Lull among its packages, or in a checkout of Lull; where you
 * call `pm2` makes no difference. A variable that PM2 has kept overrides `.env`.
 */
const { join, sep } = require('node:path')

const lull = {
  script: join(__dirname, 'dist/esm/bin.js'),
  // /srv/bot for /srv/bot/node_modules/lull. Paths in settings (LULL_WORKER_HANDLER) start there, too.
  cwd: __dirname.split(`${sep}node_modules${sep}`)[0],
  // Longer than LULL_SHUTDOWN_MS (25 s), because PM2 kills a process after it. PM2's default of 1.6 s would interrupt
  // handovers, which loses nothing but repeats them.
  kill_timeout: 30_000,
  // If a process cannot start (a wrong password), PM2 tries again after up to 15 s, and does not give up. For a Redis
  // that is away the process itself waits.
  exp_backoff_restart_delay: 100,
  // Secrets and addresses come from the environment of the `pm2` command, or from .env. Do not write them here.
  time: false, // Lull's log lines have a time already.
}

/**
 * One app for each process, each with its own port for probes and Prometheus (9101, 9102; 9111, 9112; 9121, as in
 * ops/prometheus/prometheus.yml). An app with `instances: 2` would have one /metrics for both, which shows the
 * counters of either; and with `increment_var` both get the same port after a reload with --update-env.
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
    // Cluster mode: PM2 owns the API's port, so that one process always listens during a reload.
    ...each('api', 2, 9101, 'cluster'),
    // The others listen only on that port. Run any number of them, on any machine.
    ...each('processor', 2, 9111, 'fork'),
    ...each('worker', 1, 9121, 'fork'),
  ],
}
