import * as pulumi from "@pulumi/pulumi";
import { ImageRetention, Images, Machines, PublishedImages } from "./bakewell";

const images = new Images("images");
const booted = new Machines("machines", { images: images.boot });
const retention = new ImageRetention("retention", { record: images.record }, { dependsOn: [images, booted] });

export const bakewell = retention.record;
export const machines = booted.machines;

// Another stack's images, by cloud, role and region.
const platform = new pulumi.Config().get("platform");
export const published = platform ? new PublishedImages("platform", { stack: platform }).ids : undefined;
