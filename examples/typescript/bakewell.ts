// Bakewell's components, written by hand. With Pulumi's own Node host, `pulumi package add pulumi-resource-bakewell`
// generates an SDK that has every input of docs/api.md, with its description.
import * as pulumi from "@pulumi/pulumi";

type ByRole<T> = { [role: string]: T };
type Record = { [cloud: string]: any };

class Component extends pulumi.ComponentResource {
    constructor(type: string, name: string, args: pulumi.Inputs, opts?: pulumi.ComponentResourceOptions) {
        // The last argument says that another process, the plugin, makes the component's resources.
        super(`bakewell:index:${type}`, name, args, opts, true);
    }
}

/** The images of a stack on one cloud. */
export class Images extends Component {
    readonly ids!: pulumi.Output<ByRole<{ [region: string]: string }>>;
    readonly boot!: pulumi.Output<any>;
    readonly record!: pulumi.Output<Record>;

    constructor(name: string, args: { cloud?: string } = {}, opts?: pulumi.ComponentResourceOptions) {
        super("Images", name, { cloud: args.cloud, ids: undefined, boot: undefined, record: undefined }, opts);
    }
}

/** The machines of a stack on one cloud. */
export class Machines extends Component {
    readonly machines!: pulumi.Output<{ [name: string]: any }>;

    constructor(
        name: string,
        args: { cloud?: string; images: pulumi.Input<any>; droplets?: ByRole<any> },
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("Machines", name, { ...args, machines: undefined }, opts);
    }
}

/** Deletes images that are no longer needed. */
export class ImageRetention extends Component {
    readonly record!: pulumi.Output<Record>;

    constructor(
        name: string,
        args: { cloud?: string; record: pulumi.Input<Record> },
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("ImageRetention", name, args, opts);
    }
}

/** The images of another stack. */
export class PublishedImages extends Component {
    /** Image IDs by cloud, role and region. */
    readonly ids!: pulumi.Output<{ [cloud: string]: ByRole<{ [region: string]: string }> }>;

    constructor(name: string, args: { stack: string }, opts?: pulumi.ComponentResourceOptions) {
        super("PublishedImages", name, { ...args, ids: undefined }, opts);
    }
}
