/**
 * The container image of Volprime, made without a container engine: one image for controller, populator pod and command line.
 *
 * Called by `make image` (`build.ts`) and by the test cluster, which packs small images of its own. It must not know a cluster, and it
 * needs neither root nor a network.
 */
export { stageFiles, writeOciImage, type OciImageOptions } from './oci-image.ts';
