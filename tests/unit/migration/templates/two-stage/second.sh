#!/bin/bash
psql --version
