cd ${home}
