/** Parts of a member for the workspace's own packages: no stability promised. */
export * from './seams/index.js';
