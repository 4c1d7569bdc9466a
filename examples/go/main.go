// One image, the machine that boots from it, and the removal of images that nobody needs any more.
package main

import (
	"example.com/pulumi-bakewell/sdk/go/bakewell"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		images, err := bakewell.NewImages(ctx, "images", nil)
		if err != nil {
			return err
		}
		machines, err := bakewell.NewMachines(ctx, "machines", &bakewell.MachinesArgs{Images: images.Boot})
		if err != nil {
			return err
		}
		retention, err := bakewell.NewImageRetention(ctx, "retention",
			&bakewell.ImageRetentionArgs{Record: images.Record},
			pulumi.DependsOn([]pulumi.Resource{images, machines}))
		if err != nil {
			return err
		}
		ctx.Export("bakewell", retention.Record)
		ctx.Export("machines", machines.Machines)
		return nil
	})
}
