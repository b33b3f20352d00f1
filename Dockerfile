# One image for every role: `docker run lull api`, `… processor`, `… worker`. See docker-compose.yml.

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.cjs.json ./
COPY scripts scripts
COPY src src
RUN npm run build
# Only what the image needs at run time.
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json redis.conf ./

# An unprivileged user, who can write no file of the image.
USER node

# Every role serves /livez, /readyz and /metrics on this port.
ENV LULL_OPS_PORT=9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.LULL_OPS_PORT}/livez`).then(r => process.exit(+!r.ok), () => process.exit(1))"]

EXPOSE 3000

# Node is process 1 and handles SIGTERM itself: a stop is clean, within LULL_SHUTDOWN_MS.
ENTRYPOINT ["node", "/app/dist/esm/bin.js"]
CMD ["--help"]
