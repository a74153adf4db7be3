/**
 * Where the fields of linux/sctp.h's structs are, on 64-bit Linux.
 *
 * The codecs read and write at these offsets and at no others, and the interop suite compares the table with what a C
 * compiler says. Structs with a `sockaddr_storage` differ: most are packed to 4 bytes, the younger ones are not.
 *
 * @module
 */

/** One struct: its size, and the offset of each field, under their C names. */
export interface StructLayout {
  /** `sizeof`, without a flexible array at the end. */
  readonly size: number;
  /** `offsetof` of each field. */
  readonly fields: Readonly<Record<string, number>>;
}

/** The structs by their C names. */
export const SCTP_LAYOUT = {
  sctp_initmsg: {
    size: 8,
    fields: { sinit_num_ostreams: 0, sinit_max_instreams: 2, sinit_max_attempts: 4, sinit_max_init_timeo: 6 },
  },
  sctp_sndrcvinfo: {
    size: 32,
    fields: {
      sinfo_stream: 0,
      sinfo_ssn: 2,
      sinfo_flags: 4,
      sinfo_ppid: 8,
      sinfo_context: 12,
      sinfo_timetolive: 16,
      sinfo_tsn: 20,
      sinfo_cumtsn: 24,
      sinfo_assoc_id: 28,
    },
  },
  sctp_sndinfo: { size: 16, fields: { snd_sid: 0, snd_flags: 2, snd_ppid: 4, snd_context: 8, snd_assoc_id: 12 } },
  sctp_rcvinfo: {
    size: 28,
    fields: {
      rcv_sid: 0,
      rcv_ssn: 2,
      rcv_flags: 4,
      rcv_ppid: 8,
      rcv_tsn: 12,
      rcv_cumtsn: 16,
      rcv_context: 20,
      rcv_assoc_id: 24,
    },
  },
  sctp_nxtinfo: { size: 16, fields: { nxt_sid: 0, nxt_flags: 2, nxt_ppid: 4, nxt_length: 8, nxt_assoc_id: 12 } },
  sctp_prinfo: { size: 8, fields: { pr_policy: 0, pr_value: 4 } },
  sctp_authinfo: { size: 2, fields: { auth_keynumber: 0 } },
  sctp_assoc_change: {
    size: 20,
    fields: {
      sac_type: 0,
      sac_flags: 2,
      sac_length: 4,
      sac_state: 8,
      sac_error: 10,
      sac_outbound_streams: 12,
      sac_inbound_streams: 14,
      sac_assoc_id: 16,
      sac_info: 20,
    },
  },
  sctp_paddr_change: {
    size: 148,
    fields: {
      spc_type: 0,
      spc_flags: 2,
      spc_length: 4,
      spc_aaddr: 8,
      spc_state: 136,
      spc_error: 140,
      spc_assoc_id: 144,
    },
  },
  sctp_remote_error: {
    size: 16,
    fields: { sre_type: 0, sre_flags: 2, sre_length: 4, sre_error: 8, sre_assoc_id: 12, sre_data: 16 },
  },
  sctp_send_failed: {
    size: 48,
    fields: { ssf_type: 0, ssf_flags: 2, ssf_length: 4, ssf_error: 8, ssf_info: 12, ssf_assoc_id: 44, ssf_data: 48 },
  },
  sctp_send_failed_event: {
    size: 32,
    fields: { ssf_type: 0, ssf_flags: 2, ssf_length: 4, ssf_error: 8, ssfe_info: 12, ssf_assoc_id: 28, ssf_data: 32 },
  },
  sctp_shutdown_event: { size: 12, fields: { sse_type: 0, sse_flags: 2, sse_length: 4, sse_assoc_id: 8 } },
  sctp_adaptation_event: {
    size: 16,
    fields: { sai_type: 0, sai_flags: 2, sai_length: 4, sai_adaptation_ind: 8, sai_assoc_id: 12 },
  },
  sctp_pdapi_event: {
    size: 24,
    fields: {
      pdapi_type: 0,
      pdapi_flags: 2,
      pdapi_length: 4,
      pdapi_indication: 8,
      pdapi_assoc_id: 12,
      pdapi_stream: 16,
      pdapi_seq: 20,
    },
  },
  sctp_authkey_event: {
    size: 20,
    fields: {
      auth_type: 0,
      auth_flags: 2,
      auth_length: 4,
      auth_keynumber: 8,
      auth_altkeynumber: 10,
      auth_indication: 12,
      auth_assoc_id: 16,
    },
  },
  sctp_sender_dry_event: {
    size: 12,
    fields: { sender_dry_type: 0, sender_dry_flags: 2, sender_dry_length: 4, sender_dry_assoc_id: 8 },
  },
  sctp_stream_reset_event: {
    size: 12,
    fields: { strreset_type: 0, strreset_flags: 2, strreset_length: 4, strreset_assoc_id: 8, strreset_stream_list: 12 },
  },
  sctp_assoc_reset_event: {
    size: 20,
    fields: {
      assocreset_type: 0,
      assocreset_flags: 2,
      assocreset_length: 4,
      assocreset_assoc_id: 8,
      assocreset_local_tsn: 12,
      assocreset_remote_tsn: 16,
    },
  },
  sctp_stream_change_event: {
    size: 16,
    fields: {
      strchange_type: 0,
      strchange_flags: 2,
      strchange_length: 4,
      strchange_assoc_id: 8,
      strchange_instrms: 12,
      strchange_outstrms: 14,
    },
  },
  sctp_rtoinfo: { size: 16, fields: { srto_assoc_id: 0, srto_initial: 4, srto_max: 8, srto_min: 12 } },
  sctp_assocparams: {
    size: 20,
    fields: {
      sasoc_assoc_id: 0,
      sasoc_asocmaxrxt: 4,
      sasoc_number_peer_destinations: 6,
      sasoc_peer_rwnd: 8,
      sasoc_local_rwnd: 12,
      sasoc_cookie_life: 16,
    },
  },
  sctp_setpeerprim: { size: 132, fields: { sspp_assoc_id: 0, sspp_addr: 4 } },
  sctp_prim: { size: 132, fields: { ssp_assoc_id: 0, ssp_addr: 4 } },
  sctp_setadaptation: { size: 4, fields: { ssb_adaptation_ind: 0 } },
  sctp_paddrparams: {
    size: 156,
    fields: {
      spp_assoc_id: 0,
      spp_address: 4,
      spp_hbinterval: 132,
      spp_pathmaxrxt: 136,
      spp_pathmtu: 138,
      spp_sackdelay: 142,
      spp_flags: 146,
      spp_ipv6_flowlabel: 150,
      spp_dscp: 154,
    },
  },
  sctp_authchunk: { size: 1, fields: { sauth_chunk: 0 } },
  sctp_hmacalgo: { size: 4, fields: { shmac_num_idents: 0, shmac_idents: 4 } },
  sctp_authkey: { size: 8, fields: { sca_assoc_id: 0, sca_keynumber: 4, sca_keylength: 6, sca_key: 8 } },
  sctp_authkeyid: { size: 8, fields: { scact_assoc_id: 0, scact_keynumber: 4 } },
  sctp_sack_info: { size: 12, fields: { sack_assoc_id: 0, sack_delay: 4, sack_freq: 8 } },
  sctp_assoc_value: { size: 8, fields: { assoc_id: 0, assoc_value: 4 } },
  sctp_stream_value: { size: 8, fields: { assoc_id: 0, stream_id: 4, stream_value: 6 } },
  sctp_paddrinfo: {
    size: 152,
    fields: {
      spinfo_assoc_id: 0,
      spinfo_address: 4,
      spinfo_state: 132,
      spinfo_cwnd: 136,
      spinfo_srtt: 140,
      spinfo_rto: 144,
      spinfo_mtu: 148,
    },
  },
  sctp_status: {
    size: 176,
    fields: {
      sstat_assoc_id: 0,
      sstat_state: 4,
      sstat_rwnd: 8,
      sstat_unackdata: 12,
      sstat_penddata: 14,
      sstat_instrms: 16,
      sstat_outstrms: 18,
      sstat_fragmentation_point: 20,
      sstat_primary: 24,
    },
  },
  sctp_authchunks: { size: 8, fields: { gauth_assoc_id: 0, gauth_number_of_chunks: 4, gauth_chunks: 8 } },
  sctp_assoc_ids: { size: 4, fields: { gaids_number_of_ids: 0, gaids_assoc_id: 4 } },
  sctp_getaddrs: { size: 8, fields: { assoc_id: 0, addr_num: 4, addrs: 8 } },
  sctp_assoc_stats: {
    size: 256,
    fields: {
      sas_assoc_id: 0,
      sas_obs_rto_ipaddr: 8,
      sas_maxrto: 136,
      sas_isacks: 144,
      sas_osacks: 152,
      sas_opackets: 160,
      sas_ipackets: 168,
      sas_rtxchunks: 176,
      sas_outofseqtsns: 184,
      sas_idupchunks: 192,
      sas_gapcnt: 200,
      sas_ouodchunks: 208,
      sas_iuodchunks: 216,
      sas_oodchunks: 224,
      sas_iodchunks: 232,
      sas_octrlchunks: 240,
      sas_ictrlchunks: 248,
    },
  },
  sctp_paddrthlds: { size: 144, fields: { spt_assoc_id: 0, spt_address: 8, spt_pathmaxrxt: 136, spt_pathpfthld: 138 } },
  sctp_paddrthlds_v2: {
    size: 144,
    fields: { spt_assoc_id: 0, spt_address: 8, spt_pathmaxrxt: 136, spt_pathpfthld: 138, spt_pathcpthld: 140 },
  },
  sctp_prstatus: {
    size: 24,
    fields: {
      sprstat_assoc_id: 0,
      sprstat_sid: 4,
      sprstat_policy: 6,
      sprstat_abandoned_unsent: 8,
      sprstat_abandoned_sent: 16,
    },
  },
  sctp_default_prinfo: { size: 12, fields: { pr_assoc_id: 0, pr_value: 4, pr_policy: 8 } },
  sctp_reset_streams: { size: 8, fields: { srs_assoc_id: 0, srs_flags: 4, srs_number_streams: 6, srs_stream_list: 8 } },
  sctp_add_streams: { size: 8, fields: { sas_assoc_id: 0, sas_instrms: 4, sas_outstrms: 6 } },
  sctp_event: { size: 8, fields: { se_assoc_id: 0, se_type: 4, se_on: 6 } },
  sctp_udpencaps: { size: 144, fields: { sue_assoc_id: 0, sue_address: 8, sue_port: 136 } },
  sctp_probeinterval: { size: 144, fields: { spi_assoc_id: 0, spi_address: 8, spi_interval: 136 } },
  sctp_peeloff_flags_arg_t: { size: 12, fields: { associd: 0, sd: 4, flags: 8 } },
} as const satisfies Record<string, StructLayout>;
