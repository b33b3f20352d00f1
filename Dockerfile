# One image for every role: `docker run lull api`, `… processor`, `… worker`. See docker-compose.yml.
#
# It has the packages that every role needs. The API alone needs more, for the queue's board and for Twilio's
# signatures: `docker build --build-arg PACKAGES=all .` adds them.
#
# Full versions: an update is a commit. To pin what a tag names, append its digest (`docker buildx imagetools inspect
# node:22.23.5-slim` prints it): `ARG NODE=22.23.5-slim@sha256:…`.
ARG NODE=22.23.5-slim
ARG PACKAGES=needed

FROM node:${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
COPY redis.conf ./
# In a checkout made under umask 077 only its owner may read the files; in the image the user `node` has to.
RUN npm run build && chmod -R a+rX dist package.json redis.conf

FROM build AS needed
RUN node scripts/keep-packages.mjs bullmq

FROM build AS all
RUN node scripts/keep-packages.mjs

FROM ${PACKAGES} AS packages

FROM node:${NODE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/package.json /app/redis.conf ./
# `docker compose exec api lull doctor`
RUN ln -s /app/dist/esm/bin.js /usr/local/bin/lull

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
