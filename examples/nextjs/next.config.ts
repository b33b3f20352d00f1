import type { NextConfig } from 'next'

// Lull loads optional packages when they are needed, which a bundler would look for at once.
const config: NextConfig = { serverExternalPackages: ['lull'] }

export default config
